# one byte of the last frame
head -c 160 small.mtrace >flipped.mtrace
printf x >>flipped.mtrace
tail -c +162 small.mtrace >>flipped.mtrace
