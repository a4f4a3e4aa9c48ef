"""Targets, lists of targets and receivers behind TLS and OAuth2: real certificates, a real token server."""
import base64
import http.server
import json
import os
import shutil
import signal
import ssl
import subprocess
import threading
import time
import urllib.parse

from harness import Nines, get, say, wait_for

EC = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"]


def certificate(folder, name, host):
    """A certificate that vouches for itself, for `host` alone: the paths of certificate and key."""
    cert, key = (os.path.join(folder, f"{name}.{kind}.pem") for kind in ("cert", "key"))
    subprocess.run(["openssl", "req", "-x509", *EC, "-keyout", key, "-out", cert, "-days", "2", "-subj", f"/CN={host}",
                    "-addext", f"subjectAltName=DNS:{host}"], check=True, capture_output=True)
    return cert, key


class SecureServer:
    """HTTP/1.1 over TLS with connections that are kept; `answer(handler, body)` gives status, kind and text."""

    def __init__(self, cert, answer, client_ca=None):
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.context.load_cert_chain(*cert)
        if client_ca:
            self.context.verify_mode = ssl.CERT_REQUIRED
            self.context.load_verify_locations(client_ca)
        self.names, self.handshakes = set(), 0
        outer = self

        def named(_socket, name, _context):
            outer.names.add(name)

        self.context.sni_callback = named

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def setup(handler):
                handler.request.settimeout(30)
                handler.request = outer.context.wrap_socket(handler.request, server_side=True)
                outer.handshakes += 1
                super().setup()

            def handle_any(handler):
                body = handler.rfile.read(int(handler.headers.get("Content-Length", 0)))
                status, kind, text = answer(handler, body)
                handler.send_response(status)
                handler.send_header("Content-Type", kind)
                handler.send_header("Content-Length", str(len(text)))
                handler.end_headers()
                handler.wfile.write(text.encode())

            do_GET = do_POST = handle_any

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.server.handle_error = lambda *_: None
        self.port = self.server.server_address[1]
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def stop(self):
        self.server.shutdown()
        self.server.server_close()


class Tokens:
    """Gives tokens to one client and knows which of them are good."""

    def __init__(self, life):
        self.life, self.given, self.good, self.forms, self.down = life, 0, set(), [], False

    def answer(self, handler, body):
        form = dict(urllib.parse.parse_qsl(body.decode()))
        self.forms.append(form)
        told = base64.b64decode(handler.headers.get("Authorization", "Basic Og==").split()[1]).decode()
        if self.down or told != "me:" + urllib.parse.quote("s/cret", safe=""):
            return 401, "application/json", '{"error":"invalid_client"}'
        self.given += 1
        token = f"token-{self.given}"
        self.good.add(token)
        return 200, "application/json", json.dumps({"access_token": token, "token_type": "Bearer", "expires_in": self.life})

    def knows(self, handler):
        return handler.headers.get("Authorization", "").removeprefix("Bearer ") in self.good


def replace_file(path, source):
    shutil.copy(source, path + ".new")
    os.rename(path + ".new", path)


def up(nines, job):
    return {r["metric"]["instance"]: float(r["value"][1]) for r in nines.query(f'up{{job="{job}"}}')}


def error_of(nines, job):
    return next(t["lastError"] for t in nines.json("/api/v1/targets")["data"]["activeTargets"] if t["scrapePool"] == job)


def tls_and_oauth2(args, folder):
    """A target behind TLS that wants tokens: server_name, versions, client certificates, a token that is revoked or ends; files renewed without a restart."""
    tokens = Tokens(life=3600)
    shop, strange, ours, idp = (certificate(folder, n, h) for n, h in
                                (("shop", "shop.local"), ("strange", "shop.local"), ("ours", "nines"), ("id", "id.local")))
    token_server = SecureServer(idp, tokens.answer)
    refused = []

    def page(handler, _body):
        if not tokens.knows(handler):
            refused.append(time.time())
            return 401, "text/plain", "no\n"
        if handler.path == "/sd":
            return 200, "application/json", json.dumps([{"targets": [f"127.0.0.1:{target.port}"]}])
        return 200, "text/plain", "requests_total 7\n"

    written = []

    def receive(handler, _body):
        written.append(tokens.knows(handler))
        if not written[-1]:
            refused.append(time.time())
        return (204 if written[-1] else 401), "text/plain", ""

    target = SecureServer(shop, page, client_ca=ours[0])
    receiver = SecureServer(shop, receive)
    ca, cert, key = (os.path.join(folder, n) for n in ("ca.pem", "client.pem", "client-key.pem"))
    replace_file(ca, shop[0])
    replace_file(cert, ours[0])
    replace_file(key, ours[1])
    with open(os.path.join(folder, "secret"), "w") as f:
        f.write("s/cret\n")
    oauth2 = (f'oauth2 = {{ client_id = "me", client_secret_file = "secret", token_url = "https://127.0.0.1:{token_server.port}/token", scopes = ["read", "write"], '
              f'endpoint_params = {{ audience = "shop" }}, tls_config = {{ ca_file = "{idp[0]}", server_name = "id.local" }} }}\n')

    def tls(more=""):
        return f'tls_config = {{ ca_file = "ca.pem", cert_file = "client.pem", key_file = "client-key.pem", server_name = "shop.local"{more} }}\n'

    def job(name, extra):
        return f'[[scrape_configs]]\njob_name = "{name}"\nscheme = "https"\n{extra}'

    static = f'static_configs = [{{ targets = ["127.0.0.1:{target.port}"] }}]\n'
    config = os.path.join(folder, "nines.toml")
    with open(config, "w") as f:
        f.write('[global]\nscrape_interval = "1s"\nscrape_timeout = "1s"\n[storage]\nbudget = "64MiB"\n[host]\nenabled = false\n'
                + job("shop", static + oauth2 + tls(', min_version = "TLS12"'))
                + job("old", static + oauth2 + tls(', max_version = "TLS12"'))
                + job("unnamed", static + oauth2 + tls().replace(', server_name = "shop.local"', ""))
                + job("found", tls() + oauth2)
                + f'[[scrape_configs.http_sd_configs]]\nurl = "https://127.0.0.1:{target.port}/sd"\nrefresh_interval = "500ms"\n' + oauth2 + tls()
                + f'[[remote_write]]\nurl = "https://127.0.0.1:{receiver.port}/w"\n' + oauth2
                + 'tls_config = { ca_file = "ca.pem", server_name = "shop.local" }\nqueue_config = { batch_send_deadline = "200ms" }\n')
    target.context.minimum_version = ssl.TLSVersion.TLSv1_3
    nines = Nines(args.nines, folder, config)
    instance = f"127.0.0.1:{target.port}"
    try:
        for name in ("shop", "found"):
            wait_for(f"{name} is up", lambda: up(nines, name) == {instance: 1}, 20)
        assert nines.value('requests_total{job="shop"}') == 7
        assert "shop.local" in target.names and token_server.names == {"id.local"}, (target.names, token_server.names)
        assert tokens.given == 1, f"{tokens.given} tokens for one client"
        assert tokens.forms[0] == {"grant_type": "client_credentials", "scope": "read write", "audience": "shop"}, tokens.forms
        wait_for("remote write shows the token", lambda: True in written, 20)
        wait_for("a version that is refused", lambda: up(nines, "old") == {instance: 0}, 20)
        assert "version" in error_of(nines, "old") or "alert" in error_of(nines, "old"), error_of(nines, "old")
        wait_for("a name that is not in the certificate", lambda: up(nines, "unnamed") == {instance: 0}, 20)
        assert "127.0.0.1" in error_of(nines, "unnamed"), error_of(nines, "unnamed")
        say(f"ok: one token for all; told of the others: {error_of(nines, 'old')!r}, {error_of(nines, 'unnamed')!r}")

        # A token that is good no more: the 401 costs one more request, not a scrape.
        time.sleep(1.1)
        before, start = len(refused), nines.value('timestamp(up{job="shop"})')
        tokens.good.clear()
        wait_for("a new token", lambda: tokens.given >= 2, 10)
        wait_for("a later scrape", lambda: nines.value('timestamp(up{job="shop"})') > start + 3, 20)
        assert len(refused) > before
        lost = nines.query(f'count_over_time((up{{job="shop"}} == 0)[{max(2, int(time.time() - start) + 1)}s:100ms])')
        assert not lost, lost
        assert tokens.given == 2, tokens.given
        say("ok: a revoked token was renewed and no scrape was lost")

        # Files are renewed under the same names: the next scrape goes by the new ones, kept connections or not.
        shakes = target.handshakes
        replace_file(ca, strange[0])
        wait_for("the new authority refuses", lambda: up(nines, "shop") == {instance: 0}, 10)
        assert "certificate" in error_of(nines, "shop"), error_of(nines, "shop")
        replace_file(ca, shop[0])
        wait_for("the old one is back", lambda: up(nines, "shop") == {instance: 1}, 10)
        replace_file(cert, strange[0])
        replace_file(key, strange[1])
        wait_for("a client certificate nobody knows", lambda: up(nines, "shop") == {instance: 0}, 10)
        os.remove(key)
        wait_for("a missing file is named", lambda: "client-key.pem: No such file" in error_of(nines, "shop"), 10)
        replace_file(cert, ours[0])
        replace_file(key, ours[1])
        wait_for("all is well again", lambda: up(nines, "shop") == {instance: 1}, 10)
        say(f"ok: renewed files counted at once ({target.handshakes - shakes} handshakes since)")

        tokens.good.clear()
        tokens.down = True
        wait_for("no token, no scrape", lambda: "oauth2: the token's server answered HTTP 401: invalid_client" in error_of(nines, "shop"), 20)
        tokens.down = False
        wait_for("it comes back", lambda: up(nines, "shop") == {instance: 1}, 20)
        shown = get(nines.url + "/api/nines/v1/config")
        assert "s/cret" not in shown and "token-" not in nines.process.output(), "a secret is shown"
    finally:
        nines.kill(signal.SIGTERM)
        for server in (target, token_server, receiver):
            server.stop()
