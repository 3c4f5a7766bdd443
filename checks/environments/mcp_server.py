"""An MCP server of the real package: exact arithmetic, over standard streams, or over HTTP with `mcp_server.py PORT`."""
import sys

from fastmcp import FastMCP
from starlette.responses import PlainTextResponse

server = FastMCP("arithmetic")


@server.tool
def divide(a: int, b: int) -> int:
    """a / b, where it is a whole number."""
    if b == 0:
        raise ValueError("b is 0")
    if a % b != 0:
        raise ValueError(f"{a} / {b} is no whole number")
    return a // b


@server.tool
def slow(seconds: float) -> str:
    """Answers late."""
    import time

    time.sleep(seconds)
    return "late"


@server.custom_route("/health", methods=["GET"])
async def health(request):
    return PlainTextResponse("")


if len(sys.argv) > 1:
    server.run(transport="http", host="127.0.0.1", port=int(sys.argv[1]), show_banner=False)
else:
    server.run(show_banner=False)
