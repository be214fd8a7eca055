# Four threads: each fills its places, resizes what is there, and frees what another one put.
awk 'BEGIN {
    for (i = 0; i < 12000; i++) {
        place = i * 7 % 97
        print "thread " (i * 13 + int(i / 5)) % 4
        if (held[place] == 0) {
            print "alloc P1/" place " " 1 + i * 31 % 3000 (i % 11 == 0 ? " align=64" : "") (i % 11 != 0 && i % 9 == 1 ? " call=calloc" : "")
            held[place] = 1
        } else if (i % 3 == 0) {
            print "resize P1/" place " " 1 + i * 17 % 5000
        } else if (i % 4 == 0) {
            print "touch P1/" place " 0 w"
        } else {
            print "free P1/" place
            held[place] = 0
        }
    }
}' >threads.trace
