-- What of the settings in the file :ours is not in force, and why: one line of JSON.
WITH ours AS (
    SELECT name, bool_or(applied OR error IS NOT NULL) AS counts FROM pg_file_settings WHERE sourcefile = :'ours' GROUP BY name
)
SELECT json_build_object(
    'waiting', (SELECT coalesce(json_agg(name ORDER BY name), '[]') FROM ours JOIN pg_settings USING (name)
                WHERE pending_restart),
    'overruled', (SELECT coalesce(json_agg(DISTINCT format('%s by %s', name, sourcefile)), '[]')
                  FROM ours JOIN pg_file_settings USING (name)
                  WHERE NOT counts AND (applied OR error IS NOT NULL)));
