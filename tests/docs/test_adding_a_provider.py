"""`docs/adding-a-provider.md` is followed to the letter in a copy of the tree, and the new service makes a picture."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.docs.example import ROOT, examples

ANCHOR = "    openai_api_key: SecretStr | None = None\n"
TRY = """
import asyncio, base64, io, json, sys, threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

from PIL import Image

from providers import generate_image
from providers.registry import services
from providers.settings import ProviderSettings

out = io.BytesIO()
Image.linear_gradient("L").convert("RGB").save(out, "PNG")
seen = []


class Paintshop(BaseHTTPRequestHandler):
    def do_POST(self):
        body = json.loads(self.rfile.read(int(self.headers["content-length"])))
        seen.append(body)
        status, answer = 200, {"images": [base64.b64encode(out.getvalue()).decode()] * body["n"]}
        if self.headers["authorization"] != "Bearer right":
            status, answer = 401, {}
        elif "policy" in body["prompt"]:
            status, answer = 422, {"reason": "policy"}
        data = json.dumps(answer).encode()
        self.send_response(status)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *_):
        pass


server = HTTPServer(("127.0.0.1", 0), Paintshop)
threading.Thread(target=server.serve_forever, daemon=True).start()
address = f"http://127.0.0.1:{server.server_port}"
folder = Path(sys.argv[1])


def settings(key):
    return ProviderSettings(
        _env_file=None, paintshop_api_key=key, paintshop_base_url=address, data_dir=folder, output_dir=folder / "out"
    )


assert services()["paintshop"].label == "Paintshop"
made = asyncio.run(generate_image("a fox", count=2, provider="paintshop", settings=settings("right")))
assert made["success"] and made["count_generated"] == 2, made
assert {image["provider"] for image in made["images"]} == {"paintshop"}
assert made["total_cost"] == 0.04, made
assert len(seen) == 1
refused = asyncio.run(generate_image("a policy fox", provider="paintshop", settings=settings("right")))
assert refused["error"]["code"] == "refused_content", refused
wrong = asyncio.run(generate_image("a fox", provider="paintshop", settings=settings("wrong")))
assert wrong["error"]["code"] == "provider_key", wrong
"""


@pytest.fixture
def followed(tmp_path: Path) -> Path:
    """A copy of the package with every example of the page put where it says."""
    tree = tmp_path / "tree"
    shutil.copytree(ROOT / "providers", tree / "providers", ignore=shutil.ignore_patterns("__pycache__"))
    for name, text in examples("adding-a-provider.md").items():
        path = tree / name
        if path.exists():
            before = path.read_text("utf-8")
            assert ANCHOR in before
            path.write_text(before.replace(ANCHOR, ANCHOR + text, 1), "utf-8")
        else:
            path.write_text(text, "utf-8")
    return tree


def test_a_service_added_as_the_page_says_makes_a_picture(followed: Path, tmp_path: Path) -> None:
    command = [sys.executable, "-c", TRY, str(tmp_path / "data")]
    environment = {"PYTHONPATH": str(followed), "PATH": "/usr/bin:/bin"}
    done = subprocess.run(command, cwd=followed, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
