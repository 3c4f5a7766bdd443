/** The same bits for every number of workers. */
import "../Engine.test.ts"
import "../Pool.test.ts"
