// Calls 858 once from each number that the page's address names, one after the other, and tells the server that the
// page came from how each call ended. The library to do it with is the page's own `call`.
import { call } from "library";

const asked = new URLSearchParams(location.search);
const server = `wss://127.0.0.1:${asked.get("port")}`;
const outcomes = {};

async function callFromEach(numbers) {
  for (const number of numbers) {
    outcomes[number] = await call(server, `sip:${number}@127.0.0.1`, "sip:858@127.0.0.1");
  }
}

callFromEach(asked.getAll("from"))
  .catch((error) => (outcomes.error = String(error)))
  .then(() => {
    document.getElementById("told").textContent = JSON.stringify(outcomes, null, 2);
    return fetch("told", { method: "POST", body: JSON.stringify(outcomes) });
  });
