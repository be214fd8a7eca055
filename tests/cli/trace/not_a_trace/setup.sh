cp /bin/true mems
