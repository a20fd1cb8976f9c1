"""The functions behind LitServe; a picture comes in base64, as its examples have it."""

import base64
import os

import litserve
import work


class Api(litserve.LitAPI):
    def setup(self, device):
        pass

    def decode_request(self, request):
        data = request.get("image")
        return request["kind"], base64.b64decode(data) if data else None

    def predict(self, call):
        return work.run(*call)

    def encode_response(self, output):
        return output


if __name__ == "__main__":
    server = litserve.LitServer(
        Api(), accelerator="cpu", workers_per_device=int(os.environ["WORKERS"]), timeout=60
    )
    server.run(
        host="127.0.0.1",
        port=int(os.environ["PORT"]),
        generate_client_file=False,
        log_level="error",
    )
