# SPDX-License-Identifier: MIT
#
# words.pl - an index of a text: words to lines, hashes of arrays, sorted and joined again.

use strict;
use warnings;

my (%index, %pairs);
my ($number, $before) = (0, "");
while (my $line = <>) {
    $number++;
    for my $word (split /\W+/, lc $line) {
        push @{$index{$word}}, $number;
        $pairs{$before}{$word}++;
        $before = $word;
    }
}
my @report = map { "$_: " . join(",", @{$index{$_}}[0 .. ($#{$index{$_}} < 9 ? $#{$index{$_}} : 9)]) }
    sort { @{$index{$b}} <=> @{$index{$a}} || $a cmp $b } keys %index;
my $distinct = 0;
$distinct += scalar keys %{$pairs{$_}} for keys %pairs;
my $text = join "\n", @report;
(my $changed = $text) =~ s/(\w+): (\d+)/$2 is of $1/g;
print scalar(@report), " $distinct ", length $text, " ", length $changed, " $report[0]\n";
