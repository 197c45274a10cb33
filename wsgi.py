"""The WSGI entry point: ``gunicorn wsgi:app``."""

from listkeeper.app import create_app
from listkeeper.foundation import log
from listkeeper.settings import read

settings = read()
# A foreign server knows nothing of our logs: without this, lines would go out unmasked.
log.configure(settings.log_level, as_json=settings.log_json)
app = create_app(settings)
