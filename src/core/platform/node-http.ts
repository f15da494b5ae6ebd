/**
 * Node's `http` and `https`, for all that runs in turnout itself. An `import` of them would read everything they export,
 * `WebSocket` among it, which loads the whole of Node's own fetch: 50 ms of each start, for nothing.
 */
export const http = process.getBuiltinModule('node:http');
export const https = process.getBuiltinModule('node:https');
