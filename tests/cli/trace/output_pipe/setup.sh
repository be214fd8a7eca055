printf 'alloc P1 10\nfree P1\n' >x.trace
mkfifo pipe
