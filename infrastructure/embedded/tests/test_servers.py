import os
def test_x():
    import psycopg, redis
    with psycopg.connect(os.environ["DATABASE_URL"]) as c:
        assert c.execute("select 1").fetchone() == (1,)
    assert redis.from_url(os.environ["REDIS_URL"]).ping()
