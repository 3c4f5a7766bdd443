"""An OpenEnv server, of the real package: guess a number from 0 to 9 that is the seed's last digit. `openenv_server.py PORT`."""
import sys

import uvicorn
from openenv.core.env_server import Action, Environment, Observation, State, create_fastapi_app


class Guess(Action):
    guess: int


class Told(Observation):
    told: str


class Guessing(Environment):
    SUPPORTS_CONCURRENT_SESSIONS = True

    def __init__(self):
        super().__init__()
        self._state = State(episode_id=None, step_count=0)
        self._secret = 0

    def reset(self, seed=None, episode_id=None, **kwargs):
        self._state = State(episode_id=episode_id, step_count=0)
        self._secret = (seed or 0) % 10
        return Told(told="guess", done=False, reward=None)

    def step(self, action, timeout_s=None, **kwargs):
        self._state.step_count += 1
        if action.guess == self._secret:
            return Told(told="right", done=True, reward=1.0)
        if action.guess > 9:
            raise ValueError("a guess is a digit")
        return Told(told="up" if action.guess < self._secret else "down", done=False, reward=0.0)

    @property
    def state(self):
        return self._state


uvicorn.run(create_fastapi_app(Guessing, Guess, Told, max_concurrent_envs=64), port=int(sys.argv[1]), log_level="warning")
