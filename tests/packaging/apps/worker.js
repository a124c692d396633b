import { ask } from './ask.js';

self.onmessage = ({ data }) =>
  void ask(data).then(
    (outcome) => self.postMessage(outcome),
    (error) => self.postMessage({ failed: String(error) }),
  );
