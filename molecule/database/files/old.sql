-- A cluster as one finds them: an application, a follower, a superuser with a password, and an account from long ago.
SET password_encryption = 'scram-sha-256';
CREATE ROLE dpi LOGIN PASSWORD 'Mistral-1870';
CREATE ROLE suiveur LOGIN REPLICATION PASSWORD 'Mistral-1870';
ALTER ROLE postgres PASSWORD 'Mistral-1870';
SET password_encryption = 'md5';
CREATE ROLE ancien LOGIN PASSWORD 'Mistral-1870';
CREATE DATABASE dpi OWNER dpi;
