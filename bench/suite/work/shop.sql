-- SPDX-License-Identifier: MIT
--
-- shop.sql - a small database in memory: filled, indexed, changed, asked.

create table customer(id integer primary key, name text not null, town text, balance real);
create table purchase(id integer primary key, customer integer references customer, item text, price real, day text);

with recursive n(i) as (select 1 union all select i + 1 from n where i < 9000)
insert into customer select i, 'customer ' || (i * 7919 % 10007), 'town ' || (i % 97), i % 1000 / 7.0 from n;

with recursive n(i) as (select 1 union all select i + 1 from n where i < 120000)
insert into purchase
select i, 1 + i * 31 % 9000, 'item ' || (i * 271 % 1009), i % 9973 / 100.0, date('2024-01-01', '+' || (i % 365) || ' days')
from n;

create index purchase_by_customer on purchase(customer);
create index purchase_by_item on purchase(item, price);

begin;
update customer set balance = balance - (select coalesce(sum(price), 0) from purchase where customer = customer.id);
delete from purchase where price < 1;
commit;

select town, count(*), round(sum(balance), 2) from customer group by town order by 3 desc limit 5;
select item, count(*), length(group_concat(distinct substr(day, 1, 7))) from purchase where item like 'item 10%'
group by item limit 5;
select c.name, p.item, max(p.price) from customer c join purchase p on p.customer = c.id
where c.name like '%77%' group by c.id having count(*) > 2 order by 3 desc limit 5;
select replace(upper(item), 'ITEM', 'no.') || '/' || printf('%.1f', price) from purchase order by 1 limit 3 offset 9000;
select count(distinct item || day), sum(length(json_object('item', item, 'price', price))) from purchase;
