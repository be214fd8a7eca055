# SPDX-License-Identifier: MIT
#
# words.awk - counts words, pairs of neighbours and letters of a text in associative arrays.

{
    for (i = 1; i <= NF; i++) {
        count[$i]++
        pair[before, $i]++
        before = $i
        letters[substr($i, 1, 2)] = letters[substr($i, 1, 2)] length($i) % 10
    }
    line = toupper($0)
    gsub(/[AEIOU]+/, "-", line)
    total += length(line)
}

END {
    for (word in count) {
        words++
        if (count[word] > most || (count[word] == most && word < often)) {
            most = count[word]
            often = word
        }
    }
    for (two in pair) {
        pairs++
    }
    for (start in letters) {
        length_of += length(letters[start])
    }
    print words, pairs, total, length_of, often, most
}
