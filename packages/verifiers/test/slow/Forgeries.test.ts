/** Every way in which a program may claim an outage; the quick suite has one of five. */
import { testForgeries } from "../helpers/forgeries.ts"
import * as Sandboxes from "../helpers/sandboxes.ts"

Sandboxes.describeEach((made) => testForgeries(made, 1))
