// A call with SIP.js, hung up when it rings.
import { Inviter, SessionState, UserAgent } from "sip.js";

export async function call(server, from, to) {
  const agent = new UserAgent({ uri: UserAgent.makeURI(from), transportOptions: { server }, logLevel: "error" });
  await agent.start();
  const inviter = new Inviter(agent, UserAgent.makeURI(to), {
    sessionDescriptionHandlerOptions: { constraints: { audio: true, video: false } },
  });
  let rang = false;
  return new Promise((resolve, reject) => {
    const requestDelegate = {
      onProgress({ message }) {
        if (message.statusCode === 180) {
          rang = true;
          inviter.cancel();
        }
      },
      onReject({ message }) {
        resolve({ rang, status: message.statusCode, warning: message.getHeader("Warning") ?? null });
      },
    };
    inviter.stateChange.addListener((state) => {
      if (state === SessionState.Established) reject(new Error("somebody answered"));
    });
    inviter.invite({ requestDelegate }).catch(reject);
  });
}
