"""An nginx in a pod's namespace: every name, HTTP and TLS 1.2 and 1.3, over IPv4 and IPv6."""
import os
import subprocess

HTTP, HTTPS = 80, 443
_CONFIG = """
daemon off;
user root;
pid {directory}/nginx.pid;
error_log stderr warn;
events {{ }}
http {{
  access_log off;
  client_body_temp_path {directory}/body;
  proxy_temp_path {directory}/proxy;
  fastcgi_temp_path {directory}/fastcgi;
  uwsgi_temp_path {directory}/uwsgi;
  scgi_temp_path {directory}/scgi;
  client_max_body_size 10m;
  server {{
    listen [::]:{http} ipv6only=off;
    listen [::]:{https} ipv6only=off ssl;
    ssl_certificate {directory}/cert.pem;
    ssl_certificate_key {directory}/key.pem;
    ssl_protocols TLSv1.2 TLSv1.3;
    location / {{ return 200 "$host $request_uri"; }}
  }}
}}
"""


def start_nginx(lab, pod):
    """Answers "HOST PATH" to every request, from now until the lab ends."""
    directory = lab.path(f"nginx-{pod.port}")
    os.mkdir(directory)
    subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "1",
                    "-subj", "/CN=test", "-keyout", f"{directory}/key.pem",
                    "-out", f"{directory}/cert.pem"], check=True, capture_output=True)
    config = f"{directory}/nginx.conf"
    with open(config, "w", encoding="ascii") as file:
        file.write(_CONFIG.format(directory=directory, http=HTTP, https=HTTPS))
    lab.own(pod.start(f"{directory}/log", "/usr/sbin/nginx", "-c", config, "-e", "stderr"))
    lab.wait_until(lambda: pod.run("curl", "-sk", "--noproxy", "*", "-o", "/dev/null",
                                   f"https://127.0.0.1:{HTTPS}/", check=False).returncode == 0,
                   f"nginx of {pod.name} serves", 20)


def get(pod, address, name, port, path="/", *more, seconds=3):
    """What curl in `pod` got of NAME:PORT/PATH from the server at `address`, or None."""
    scheme = "https" if port == HTTPS else "http"
    where = f"[{address}]" if ":" in address else address
    answer = pod.run("curl", "-sS", "-k", "-g", "--noproxy", "*", "--max-time", str(seconds),
                     "--connect-to", f"{name}:{port}:{where}:{port}", *more,
                     f"{scheme}://{name}:{port}{path}", check=False, timeout=seconds + 20)
    return answer.stdout if answer.returncode == 0 else None
