printf 'alloc P1 10\nfree P1\n' >'a#b, $c "d".trace'
