"""The keys of one API server: an authority, its own certificate, an administrator's."""
import os
import subprocess


def _openssl(*words):
    subprocess.run(["openssl", *words], check=True, capture_output=True, timeout=30)


class Certificates:
    """PEM files in `directory`, good for two days."""

    def __init__(self, directory):
        os.makedirs(directory)
        self._directory = directory
        self.authority = self._path("ca.crt")
        self.server, self.server_key = self._path("server.crt"), self._path("server.key")
        self.admin, self.admin_key = self._path("admin.crt"), self._path("admin.key")
        self.service_key = self._path("service-account.key")
        self.service_public = self._path("service-account.pub")
        self._make_authority()
        self._sign("server", "/CN=kube-apiserver", "subjectAltName=IP:127.0.0.1,DNS:localhost\n"
                   "extendedKeyUsage=serverAuth\n")
        # The group that RBAC lets do everything.
        self._sign("admin", "/O=system:masters/CN=admin", "extendedKeyUsage=clientAuth\n")
        _openssl("genrsa", "-out", self.service_key, "2048")
        _openssl("rsa", "-in", self.service_key, "-pubout", "-out", self.service_public)

    def _path(self, name):
        return os.path.join(self._directory, name)

    def _make_authority(self):
        _openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
                 "-keyout", self._path("ca.key"), "-out", self.authority, "-days", "2",
                 "-subj", "/CN=sluice tests")

    def _sign(self, name, subject, extensions):
        with open(self._path(f"{name}.ext"), "w", encoding="ascii") as file:
            file.write(extensions)
        _openssl("req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
                 "-keyout", self._path(f"{name}.key"), "-out", self._path(f"{name}.csr"),
                 "-subj", subject)
        _openssl("x509", "-req", "-in", self._path(f"{name}.csr"), "-CA", self.authority,
                 "-CAkey", self._path("ca.key"), "-CAcreateserial", "-days", "2",
                 "-out", self._path(f"{name}.crt"), "-extfile", self._path(f"{name}.ext"))
