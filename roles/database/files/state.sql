-- Who is what, who may come in, and who would be shut out: one line of JSON. It only reads: it runs on a standby too.
WITH superuser AS (
    SELECT array_agg(rolname::text ORDER BY rolname) AS names FROM pg_roles WHERE rolsuper AND rolcanlogin
), rule AS (
    SELECT line_number, type, database, user_name, address, netmask, auth_method AS method, options,
        CASE WHEN error NOT LIKE 'hostssl record cannot match%' THEN error END AS error -- TLS is off: not for long
    FROM pg_hba_file_rules, superuser
    -- What the role itself puts before all other rules is not read back.
    WHERE (type = 'local' AND database = '{all}' AND user_name = '{postgres}' AND auth_method = 'peer') IS NOT TRUE
      AND (type = 'host' AND auth_method = 'reject' AND user_name <@ names) IS NOT TRUE
), unfit AS (
    SELECT coalesce(type = 'local', false) AS is_local, format('line %s: %s', line_number, coalesce(error, type || ' … ' || method)) AS text
    FROM rule
    WHERE error IS NOT NULL
       OR type = 'local' AND method NOT IN ('peer', 'scram-sha-256', 'md5', 'password', 'reject')
       OR type <> 'local' AND method NOT IN ('scram-sha-256', 'md5', 'password', 'cert', 'reject')
       OR type = 'hostgssenc'
), visitor AS (
    SELECT DISTINCT format('%s from %s (%s)', usename, client_addr, CASE
        WHEN rolsuper THEN 'a superuser' ELSE coalesce(version, 'no TLS') END) AS text
    FROM pg_stat_activity JOIN pg_stat_ssl USING (pid) JOIN pg_roles ON pg_roles.oid = usesysid
    WHERE client_addr IS NOT NULL
      -- Where the server has had no TLS so far, nobody could show that he speaks it.
      AND (rolsuper OR current_setting('ssl')::boolean AND (NOT ssl OR version < :'minimum'))
)
SELECT json_build_object(
    'superusers', (SELECT names FROM superuser),
    'md5', (SELECT coalesce(json_agg(rolname ORDER BY rolname), '[]') FROM pg_authid
            WHERE rolcanlogin AND rolpassword LIKE 'md5%'),
    'rules', (SELECT coalesce(json_agg(rule), '[]') FROM rule WHERE type <> 'hostnossl'),
    'unfit', (SELECT coalesce(json_agg(unfit), '[]') FROM unfit),
    'visitors', (SELECT coalesce(json_agg(text ORDER BY text), '[]') FROM visitor),
    'libraries', current_setting('shared_preload_libraries'));
