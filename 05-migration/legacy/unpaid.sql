UPDATE orders SET status = 'expired' WHERE status = 'unpaid' AND placed_at < NOW() - INTERVAL 30 DAY;
