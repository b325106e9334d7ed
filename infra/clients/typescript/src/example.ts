// Starts a machine, moves it, and counts with a key, through a server that may be killed at any time.
//
// TAI_STATE_TOKEN=... node dist/example.js ADDRESS STATE COUNT MOVES_A_SECOND

import { connect, told } from "./client.js";

const [address = "", state = "", count = "", rate = ""] = process.argv.slice(2);
const client = connect(address, process.env["TAI_STATE_TOKEN"] ?? "");
const lamp = { governor: "lamps", state };
const sleep = (milliseconds: number) => new Promise((done) => setTimeout(done, milliseconds));

told(
  await client.POST("/v1/governors/{governor}/states/{state}", {
    params: { path: lamp, header: { "Idempotency-Key": `"${state}-start"` } },
    body: { machine: "lamp" },
  }),
);
const began = Date.now();
for (let number = 0; number < Number(count); number += 1) {
  const key = `${state}-${number}`;
  const header = { "Idempotency-Key": `"${key}"` };
  const moved = told(
    await client.POST("/v1/governors/{governor}/states/{state}/transitions", {
      params: { path: lamp, header },
      body: { action: "switch" },
    }),
  );
  const counted = told(
    await client.POST("/v1/keys/{group}/{key}", {
      params: { path: { group: "switches", key: state }, header },
      body: { op: "increment" },
    }),
  );
  console.log(JSON.stringify({ key, version: moved.version, count: counted.value }));
  await sleep(Math.max(0, began + ((number + 1) * 1000) / Number(rate) - Date.now()));
}
