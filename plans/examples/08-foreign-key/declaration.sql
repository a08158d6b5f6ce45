-- falsework: name=orders_user
ALTER TABLE orders ADD FOREIGN KEY (user_id) REFERENCES users (id) ON DELETE CASCADE; -- falsework: index=true
