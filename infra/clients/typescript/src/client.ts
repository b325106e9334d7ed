// A thin client of `tai-state serve`: every path, parameter and body is typed by docs/openapi.json, and requests are
// made again until they are answered, each change once.

import createClient from "openapi-fetch";

import type { components, paths } from "./schema.js";

export type Problem = components["schemas"]["ProblemDetails"];

// What may pass: the same request under the same key is answered with the outcome of the first.
const AGAIN = new Set([408, 425, 429, 502, 503, 504]);

const sleep = (milliseconds: number) => new Promise((done) => setTimeout(done, milliseconds));

/** Reads an answer to its end: one that is cut off is none. A stream goes on as it is. */
async function whole(answer: Response): Promise<Response> {
  if (answer.body === null || answer.headers.get("Content-Type")?.startsWith("text/event-stream")) return answer;
  return new Response(await answer.arrayBuffer(), { status: answer.status, headers: answer.headers });
}

/** Makes a request again and again until it is answered; without an Idempotency-Key, only a read. */
async function patiently(request: Request, patienceSeconds: number): Promise<Response> {
  const ends = Date.now() + patienceSeconds * 1000;
  const mayRepeat = request.method === "GET" || request.headers.has("Idempotency-Key");
  for (let attempt = 0; ; attempt += 1) {
    let wait = Math.random() * Math.min(1000, 20 * 2 ** Math.min(attempt, 6));
    try {
      const answer = await fetch(request.clone(), { signal: AbortSignal.timeout(10_000) });
      if (!AGAIN.has(answer.status) || !mayRepeat || Date.now() > ends) return await whole(answer);
      wait = Math.max(wait, Number(answer.headers.get("Retry-After") ?? 0) * 1000);
      await answer.body?.cancel();
    } catch (error) {
      if (!mayRepeat || Date.now() > ends) throw error;
    }
    await sleep(wait);
  }
}

/** Returns what calls the server at an address: `client.GET("/v1/governors", ...)`, and so on. */
export function connect(address: string, token: string, patienceSeconds = 60) {
  return createClient<paths>({
    baseUrl: address,
    headers: { Authorization: `Bearer ${token}` },
    fetch: (request) => patiently(request, patienceSeconds),
  });
}

/** The server's answer to a request that it does not follow; `problem.code` is stable. */
export class Refused extends Error {
  constructor(readonly problem: Problem) {
    super(`${problem.status} ${problem.code}: ${problem.detail ?? problem.title}`);
  }
}

/** Returns what an answer says, or throws what it refuses. */
export function told<T>(answer: { data?: T; error?: unknown }): T {
  if (answer.error !== undefined) throw new Refused(answer.error as Problem);
  return answer.data as T;
}
