-- The application's own role and database, made once; the password is set each time.
\set password `cat /etc/dpi/password`
SELECT 'CREATE ROLE dpi LOGIN' WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'dpi') \gexec
SET password_encryption = 'scram-sha-256';
ALTER ROLE dpi PASSWORD :'password';
SELECT $$CREATE DATABASE dpi OWNER dpi TEMPLATE template0 ENCODING 'UTF8' LOCALE 'C.UTF-8'$$
WHERE NOT EXISTS (SELECT FROM pg_database WHERE datname = 'dpi') \gexec
REVOKE ALL ON DATABASE dpi FROM PUBLIC;
