"""Starts SkyRL's Tinker server from a plain virtual environment: upstream expects to be started by `uv run`, and starts
its engine the same way; here both are this file, on this interpreter."""
import argparse
import sys

if sys.argv[1:2] == ["--engine"]:
    del sys.argv[1]
    from skyrl.tinker.engine import main

    main()
    sys.exit()

import uvicorn
from skyrl.tinker import api
from skyrl.tinker.config import EngineConfig, add_model, config_to_argv

api._build_uv_run_cmd_engine = lambda parent, config: [sys.executable, __file__, "--engine", *config_to_argv(config)]
parser = argparse.ArgumentParser()
add_model(parser, EngineConfig)
parser.add_argument("--port", type=int, required=True)
options = vars(parser.parse_args())
port = options.pop("port")
api.app.state.engine_config = EngineConfig.model_validate(options)
uvicorn.run(api.app, host="127.0.0.1", port=port, log_level="warning")
