-- The messages that the shop has taken. The key refuses a repeated one. A consumer writes here before it acknowledges.
CREATE TABLE inbox (
    message_id CHAR(36) PRIMARY KEY,
    consumer VARCHAR(64) NOT NULL, -- the host of the process that took it
    sent_at DATETIME(6) NOT NULL,
    taken_at DATETIME(6) NOT NULL DEFAULT CURRENT_TIMESTAMP(6),
    KEY (taken_at)
);
