-- SPDX-License-Identifier: MIT
--
-- words.lua - counts words and pairs of words of a text, keeps them in tables and joins strings.

local counts, pairs_of, order = {}, {}, {}
local before = ""
for line in io.lines(arg[1]) do
    for word in line:gmatch("%a+") do
        if not counts[word] then
            counts[word] = 0
            order[#order + 1] = word
        end
        counts[word] = counts[word] + 1
        local pair = before .. " " .. word
        pairs_of[pair] = (pairs_of[pair] or 0) + 1
        before = word
    end
end
table.sort(order, function(a, b)
    return counts[a] > counts[b] or (counts[a] == counts[b] and a < b)
end)

local trees = 0
local function tree(depth)
    trees = trees + 1
    return depth == 0 and {} or {left = tree(depth - 1), right = tree(depth - 1)}
end
for _ = 1, 10 do
    tree(13)
end

local distinct, lines = 0, {}
for pair, count in pairs(pairs_of) do
    distinct = distinct + count * #pair
end
for i = 1, #order do
    lines[#lines + 1] = ("%s=%d"):format(order[i], counts[order[i]]):upper()
end
print(#order, distinct, trees, #table.concat(lines, ","), lines[1])
