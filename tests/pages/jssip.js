// A call with JsSIP, hung up when it rings.
import JsSIP from "jssip";

export function call(server, from, to) {
  return new Promise((resolve, reject) => {
    const agent = new JsSIP.UA({ sockets: [new JsSIP.WebSocketInterface(server)], uri: from, register: false });
    agent.on("disconnected", () => reject(new Error(`no connection to ${server}`)));
    agent.on("connected", () => {
      const session = agent.call(to, { mediaConstraints: { audio: true, video: false } });
      let rang = false;
      session.on("progress", () => {
        rang = true;
        session.terminate();
      });
      session.on("failed", ({ originator, message, cause }) => {
        const status = message?.status_code ?? null;
        resolve({ rang, by: originator, cause, status, warning: message?.getHeader("Warning") ?? null });
      });
    });
    agent.start();
  });
}
