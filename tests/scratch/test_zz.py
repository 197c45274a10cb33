import os, pytest, time
@pytest.mark.parametrize("n", range(40))
def test_b(session, n): time.sleep(0.05); assert n >= 0
@pytest.mark.parametrize("n", range(6))
def test_c(app, queue, n):
    if n==3: os._exit(1)
