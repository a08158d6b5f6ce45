-- Rows whose old and new form disagree: what is compared, rows read, rows in disagreement. The old and the new columns
-- are found by their names in the catalog; no trigger or function of the change is asked. Each statement is one snapshot,
-- so it may be run while the clients write.
SELECT max(attname) FILTER (WHERE attrelid = 'orders'::regclass) AS order_id,
       max(attname) FILTER (WHERE attrelid = 'order_lines'::regclass) AS line_order_id
FROM pg_attribute
WHERE attrelid IN ('orders'::regclass, 'order_lines'::regclass) AND attname LIKE '\_fw\_%' AND NOT attisdropped \gset

SELECT 'users.email = users.email_address', count(*), count(*) FILTER (WHERE email IS DISTINCT FROM email_address)
FROM users;
SELECT 'orders.id = orders.id as bigint', count(*), count(*) FILTER (WHERE id IS DISTINCT FROM :"order_id") FROM orders;
SELECT 'order_lines.order_id = order_lines.order_id as bigint', count(*),
       count(*) FILTER (WHERE order_id IS DISTINCT FROM :"line_order_id")
FROM order_lines;
SELECT 'users.phone is not null', count(*), count(*) FILTER (WHERE phone IS NULL) FROM users;
SELECT 'orders.user_id is found in users', count(*), count(*) FILTER (WHERE u.id IS NULL)
FROM orders o LEFT JOIN users u ON u.id = o.user_id;
