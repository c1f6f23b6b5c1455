"""python -m tests.core.accounts.idp CALLBACK: serves the provider on a free port, and prints it."""

import os
import socketserver
import sys
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer

import django
from django.core.management import call_command
from django.core.wsgi import get_wsgi_application


class Server(socketserver.ThreadingMixIn, WSGIServer):
    daemon_threads = True


class Quiet(WSGIRequestHandler):
    def log_message(self, *args: object) -> None:
        pass


os.environ["DJANGO_SETTINGS_MODULE"] = "tests.core.accounts.idp.settings"
django.setup()
call_command("migrate", verbosity=0)

from allauth.idp.oidc.models import Client  # noqa: E402 # after the set-up

client = Client(id="portal", name="Portal", skip_consent=True)
client.set_secret("portal-secret")
client.set_redirect_uris([sys.argv[1]])
client.set_scopes(["openid", "profile", "email"])
client.save()
server = Server(("127.0.0.1", 0), Quiet)
server.set_app(get_wsgi_application())
print(server.server_port, flush=True)  # noqa: T201 # whoever started it waits for this
server.serve_forever()
