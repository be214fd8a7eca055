# SPDX-License-Identifier: MIT
#
# trees.rb - objects, strings, arrays and hashes that live for a while: an index of a text, and orders that are grouped.

Order = Struct.new(:id, :customer, :lines)

words = File.foreach(ARGV[0]).first(12_000).flat_map(&:split)
index = Hash.new { |hash, key| hash[key] = [] }
words.each_with_index { |word, i| index[word] << i }

orders = (0...20_000).map do |i|
  lines = (0..i % 5).map { |k| { item: "article number #{(i * 31 + k * 7) % 1009} of the catalogue", count: 1 + k } }
  Order.new(i, "customer #{i * 7919 % 1013}, somewhere in town", lines)
end
by_customer = orders.group_by(&:customer)
totals = by_customer.transform_values { |of| of.sum { |order| order.lines.sum { |line| line[:count] } } }
report = totals.sort_by { |name, total| [-total, name] }.map { |name, total| "#{name}: #{total}" }.join("\n")

puts [words.size, index.size, index.values.map(&:last).sum, totals.size, report.size, report.lines.first].join(" ")
