-- The sink: each lane has a role and a schema of its own, with the same tables. None has a key: nothing but the job itself keeps a row from coming twice.
CREATE SCHEMA ledger;
CREATE ROLE ledger LOGIN PASSWORD 'beyond-cron';
ALTER SCHEMA ledger OWNER TO ledger;
ALTER ROLE ledger SET search_path = ledger;
DO $$
DECLARE lane text;
BEGIN
    FOREACH lane IN ARRAY ARRAY['plain', 'hardened', 'prefect'] LOOP
        EXECUTE format('CREATE ROLE %I LOGIN PASSWORD ''beyond-cron''; CREATE SCHEMA AUTHORIZATION %1$I', lane);
        EXECUTE format('SET ROLE %I; SET search_path = %1$I', lane);
        CREATE TABLE orders (seq bigint NOT NULL, at timestamp NOT NULL, cents int NOT NULL);
        CREATE TABLE rejected (seq bigint NOT NULL, why text NOT NULL);
        CREATE TABLE watermark (seq bigint NOT NULL);
        CREATE TABLE reports (newest bigint NOT NULL, made timestamptz NOT NULL DEFAULT clock_timestamp());
        RESET ROLE;
    END LOOP;
END $$;

-- The ledger: every attempt of every run, and every alert. Times are those of this server, which knows no fast clock.
SET ROLE ledger;
SET search_path = ledger;
CREATE TABLE runs (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    lane text NOT NULL,
    job text NOT NULL,
    run text NOT NULL, -- attempts of one run share it
    pid int NOT NULL,
    due timestamptz, -- where the scheduler tells its jobs; cron does not
    started timestamptz NOT NULL DEFAULT clock_timestamp(),
    ended timestamptz,
    outcome text CHECK (outcome IN ('ok', 'failed', 'killed')),
    rows int,
    reason text
);
-- Where a fault makes every lane's load stand still in mid-load: at this order, while there is a row.
CREATE TABLE held (lane text NOT NULL, seq bigint NOT NULL);
CREATE FUNCTION stand_still() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS $$
BEGIN
    WHILE EXISTS (SELECT FROM ledger.held WHERE lane = TG_TABLE_SCHEMA AND seq = NEW.seq) LOOP
        PERFORM pg_sleep(0.02);
    END LOOP;
    RETURN NEW;
END $$;
CREATE TABLE alerts (lane text NOT NULL, at timestamptz NOT NULL DEFAULT clock_timestamp(), text text NOT NULL);
RESET ROLE;
DO $$
DECLARE lane text;
BEGIN
    FOREACH lane IN ARRAY ARRAY['plain', 'hardened', 'prefect'] LOOP
        EXECUTE format('CREATE TRIGGER held BEFORE INSERT ON %I.orders FOR EACH ROW EXECUTE FUNCTION ledger.stand_still()', lane);
    END LOOP;
END $$;
