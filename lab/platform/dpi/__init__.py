"""A patient record for one clinic: PostgreSQL, a few pages in French, and a JSON API.

Debian 12's python3-flask (2.2) and python3-psycopg (3.1) are the oldest that it runs on.
"""
