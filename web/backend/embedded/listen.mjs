/** A server on 127.0.0.1: on the port wished for, or on the next one that is free. */
const kPortsTried = 20;

/** Gives the port. 0: any. Rejects when none of them is free, or the first may not be had. */
export function listen(server, wished) {
  return new Promise((resolve, reject) => {
    let port = wished;
    const failed = (error) => {
      if (error.code === 'EADDRINUSE' && port < Math.min(wished + kPortsTried, 65_535))
        server.listen(++port, '127.0.0.1');
      else reject(error);
    };
    server.on('error', failed);
    server.once('listening', () => {
      server.off('error', failed);
      resolve(server.address().port);
    });
    server.listen(port, '127.0.0.1');
  });
}
