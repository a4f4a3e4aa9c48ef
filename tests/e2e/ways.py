"""Ways to a target: credentials in files that change, headers, redirects, proxies, HTTP/2, tokens for probes."""
import base64
import contextlib
import http.server
import json
import os
import shutil
import signal
import socket
import threading
import urllib.parse

from harness import Nines, Process, free_port, say, wait_for
from secure import certificate, error_of, replace_file, up


class Site:
    """A site that is a target, a token server and an HTTP proxy in one; it notes what it is asked."""

    def __init__(self):
        self.seen, self.password, self.token, self.secret, self.given = [], "old", "old", "old", []
        site = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def answer(handler, status, text="", **headers):
                handler.send_response(status)
                for name, value in headers.items():
                    handler.send_header(name.replace("_", "-"), value)
                handler.send_header("Content-Length", str(len(text)))
                handler.end_headers()
                handler.wfile.write(text.encode())

            def do_GET(handler):
                site.seen.append((handler.path, dict(handler.headers)))
                path = urllib.parse.urlsplit(handler.path).path
                told = handler.headers.get("Authorization", "")
                wanted = {"/basic": "Basic " + base64.b64encode(f"me:{site.password}".encode()).decode(), "/bearer": "Bearer " + site.token}
                if path == "/moved":
                    return handler.answer(302, Location="/metrics")
                if path in wanted and told != wanted[path] or path == "/token-wanted" and told.removeprefix("Bearer ") not in site.given:
                    return handler.answer(401, "who are you\n")
                handler.answer(200, "a_metric 1\n", Content_Type="text/plain; version=0.0.4")

            def do_POST(handler):
                handler.rfile.read(int(handler.headers.get("Content-Length", 0)))
                told = base64.b64decode(handler.headers.get("Authorization", "Basic Og==").split()[1]).decode()
                if told != "me:" + site.secret:
                    return handler.answer(401, '{"error":"invalid_client"}', Content_Type="application/json")
                site.given.append(f"t{len(site.given)}-{site.secret}")
                handler.answer(200, json.dumps({"access_token": site.given[-1], "token_type": "Bearer", "expires_in": 1}), Content_Type="application/json")

            def do_CONNECT(handler):
                site.seen.append(("CONNECT " + handler.path, dict(handler.headers)))
                host, port = handler.path.rsplit(":", 1)
                with socket.create_connection((host, int(port)), 5) as far:
                    handler.send_response(200)
                    handler.end_headers()
                    back = threading.Thread(target=copy, args=(far, handler.connection), daemon=True)
                    back.start()
                    copy(handler.connection, far)
                    back.join(5)
                handler.close_connection = True

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.server.handle_error = lambda *_: None
        self.port = self.server.server_address[1]
        self.at = f"127.0.0.1:{self.port}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def asked(self, path):
        return [headers for seen, headers in list(self.seen) if seen == path]

    def stop(self):
        self.server.shutdown()
        self.server.server_close()


def copy(source, sink):
    try:
        while data := source.recv(65536):
            sink.sendall(data)
        sink.shutdown(socket.SHUT_WR)
    except OSError:
        pass


def secure_nginx(folder, cert):
    """nginx with TLS and HTTP/2 on two ports, which notes the protocol of each request. Two, for a scrape may use the open
    HTTP/1.1 connection of another job to the same place."""
    port, plain, home = free_port(), free_port(), os.path.join(folder, "nginx")
    os.makedirs(home)
    with open(os.path.join(home, "nginx.conf"), "w") as f:
        f.write(f"""worker_processes 1; daemon off; pid {home}/pid; error_log {home}/error.log;
events {{}}
http {{
  log_format way '$uri $server_protocol'; access_log {home}/access.log way;
  client_body_temp_path {home}/b; proxy_temp_path {home}/p; fastcgi_temp_path {home}/f; uwsgi_temp_path {home}/u; scgi_temp_path {home}/s;
  server {{ listen 127.0.0.1:{port} ssl http2; listen 127.0.0.1:{plain} ssl http2; ssl_certificate {cert[0]}; ssl_certificate_key {cert[1]}; default_type text/plain;
            location / {{ return 200 "a_metric 1\\n"; }} }}
}}""")
    process = Process("nginx-out", [shutil.which("nginx") or "/usr/sbin/nginx", "-c", f"{home}/nginx.conf", "-p", home], folder)

    def protocols(path):
        with open(f"{home}/access.log") as f:
            return {line.split()[1] for line in f if line.startswith(path + " ")}
    return port, plain, process, protocols


def keep_secret(folder, name, text):
    with open(os.path.join(folder, name + ".next"), "w") as f:
        f.write(text + "\n")
    replace_file(os.path.join(folder, name), os.path.join(folder, name + ".next"))


def ways_to_a_target(args, folder):
    """Passwords, credentials and client secrets in files that change; headers, redirects, proxies, HTTP/2; probes that show tokens."""
    site = Site()
    port, plain, nginx, protocols = secure_nginx(folder, certificate(folder, "n", "localhost"))
    for name in ("password", "credentials", "secret"):
        keep_secret(folder, name, "old")

    def job(name, target, extra=""):
        return f'[[scrape_configs]]\njob_name = "{name}"\nstatic_configs = [{{ targets = ["{target}"] }}]\n{extra}\n'

    tls, proxy = 'scheme = "https"\ntls_config = { insecure_skip_verify = true }\n', f'proxy_url = "http://{site.at}"\n'
    config = os.path.join(folder, "nines.toml")
    with open(config, "w") as f:
        f.write('[global]\nscrape_interval = "500ms"\nscrape_timeout = "500ms"\n[storage]\nbudget = "64MiB"\n[host]\nenabled = false\n'
                + job("basic", site.at, 'metrics_path = "/basic"\nbasic_auth = { username = "me", password_file = "password" }\nhttp_headers = { X-Scope = "shop" }')
                + job("bearer", site.at, 'metrics_path = "/bearer"\nauthorization = { credentials_file = "credentials" }')
                + job("moved", site.at, 'metrics_path = "/moved"') + job("stays", site.at, 'metrics_path = "/moved"\nfollow_redirects = false')
                + job("proxied", site.at, 'metrics_path = "/proxied"\n' + proxy)
                + job("excepted", site.at, 'metrics_path = "/excepted"\nno_proxy = "example.com"\n' + proxy)
                + job("environment", "shop.test", "proxy_from_environment = true")
                + job("tunnel", f"127.0.0.1:{port}", tls + 'metrics_path = "/tunnel"\nproxy_connect_header = { X-Way = "nines" }\n' + proxy)
                + job("two", f"127.0.0.1:{port}", tls + 'metrics_path = "/two"') + job("one", f"127.0.0.1:{plain}", tls + 'metrics_path = "/one"\nenable_http2 = false')
                + f'[[probe_configs]]\njob_name = "probe"\nstatic_configs = [{{ targets = ["http://{site.at}/token-wanted"] }}]\n'
                + f'http = {{ oauth2 = {{ client_id = "me", client_secret_file = "secret", token_url = "http://{site.at}/token" }} }}\n')
    with contextlib.ExitStack() as ends:
        ends.callback(site.stop)
        ends.callback(nginx.kill, signal.SIGTERM)
        nines = Nines(args.nines, folder, config, {**os.environ, "HTTP_PROXY": f"http://{site.at}", "NO_PROXY": "other.test"})
        ends.callback(nines.kill, signal.SIGTERM)

        def is_up(name, want=1):
            return list(up(nines, name).values()) == [want]

        for name in ("basic", "bearer", "moved", "proxied", "excepted", "environment", "tunnel", "two", "one"):
            wait_for(f"{name} is up", lambda: is_up(name), 20)
        wait_for("a redirect that is not followed", lambda: "302" in error_of(nines, "stays"), 10)
        wait_for("the probe shows a token", lambda: nines.value('probe_success{job="probe"}') == 1, 10)
        assert site.asked("/basic")[-1]["X-Scope"] == "shop"
        assert site.asked(f"http://{site.at}/proxied") and not site.asked("/proxied"), "not through the proxy"
        assert site.asked("/excepted") and not site.asked(f"http://{site.at}/excepted"), "through the proxy"
        assert site.asked("http://shop.test/metrics"), "the environment's proxy was not asked"
        way = site.asked(f"CONNECT 127.0.0.1:{port}")[-1]
        assert way["X-Way"] == "nines" and "Accept" not in way, way
        assert protocols("/two") == {"HTTP/2.0"} and protocols("/one") == {"HTTP/1.1"}, (protocols("/two"), protocols("/one"))
        say("ok: headers, redirects, proxies, HTTP/2")

        site.password = site.token = site.secret = "new"
        site.given.clear()
        for name in ("basic", "bearer"):
            wait_for(f"{name} is refused", lambda: is_up(name, 0), 10)
        for name in ("password", "credentials", "secret"):
            keep_secret(folder, name, "new")
        for name in ("basic", "bearer"):
            wait_for(f"{name} is up with the new file", lambda: is_up(name), 10)
        wait_for("a token for the new secret", lambda: any(t.endswith("-new") for t in site.given) and nines.value('probe_success{job="probe"}') == 1, 10)
        os.remove(os.path.join(folder, "password"))
        wait_for("a missing file is named", lambda: "password: No such file" in error_of(nines, "basic"), 10)
        say("ok: files read anew without a reload")
