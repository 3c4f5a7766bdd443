"""A reward model on FastAPI: the share of a response's words that its prompt has not. `reward_server.py PORT`."""
import sys

import uvicorn
from fastapi import FastAPI, Header, HTTPException
from pydantic import BaseModel

app = FastAPI()
asked = {"times": 0}


class Message(BaseModel):
    role: str
    content: str


class Asked(BaseModel):
    prompt: str | list[Message]
    response: str


@app.get("/health")
def health():
    return {}


@app.post("/score")
def score(body: Asked, authorization: str = Header(default="")):
    if authorization != "Bearer key":
        raise HTTPException(401, "no key")
    asked["times"] += 1
    # Busy now and then, as servers are.
    if asked["times"] % 5 == 0:
        raise HTTPException(503, "busy")
    text = body.prompt if isinstance(body.prompt, str) else " ".join(m.content for m in body.prompt)
    words = body.response.split()
    return {"score": sum(w not in text.split() for w in words) / max(1, len(words)), "correct": "right" in words}


uvicorn.run(app, port=int(sys.argv[1]), log_level="warning")
