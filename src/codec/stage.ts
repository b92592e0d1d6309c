/**
 * Makes a Transform of an async generator over pieces, with back-pressure on both sides: a written piece is called back
 * when the generator is done with it, and a piece is made only when the one before it was read.
 *
 * @module
 */
import type { Transform } from 'node:stream';
import through2 from 'through2';

type Callback = (error?: Error | null) => void;

/** What was written and is not yet taken: one piece at most. */
class Inlet implements AsyncIterable<Uint8Array> {
  #piece: { bytes: Uint8Array; done: Callback } | undefined;
  #ended = false;
  #wake: () => void = () => undefined;

  put(bytes: Uint8Array, done: Callback): void {
    this.#piece = { bytes, done };
    this.#wake();
  }

  end(): void {
    this.#ended = true;
    this.#wake();
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Uint8Array, void, undefined> {
    for (;;) {
      if (this.#piece) {
        const { bytes, done } = this.#piece;
        this.#piece = undefined;
        yield bytes;
        // Asked for the next one: the writer may use this one's memory again.
        done();
      } else if (this.#ended) {
        return;
      } else {
        await new Promise<void>((resolve) => (this.#wake = resolve));
      }
    }
  }
}

/**
 * A Transform that reads what `coding` yields.
 *
 * With a readable mark of one byte, Node asks for more only when all was read; so where the generator fails, the pieces
 * before the failure have reached the reader, which destroying a stream with pieces in its buffer would drop.
 *
 * @param coding   takes what is written, copies what it keeps
 * @param onClose  called once when the stream is closed, however that came about
 */
export function toTransform(
  coding: (source: AsyncIterable<Uint8Array>) => AsyncGenerator<Uint8Array, void, undefined>,
  onClose: (stream: Transform) => void,
): Transform {
  const inlet = new Inlet();
  let finish: Callback | undefined;
  const demand: { met: boolean; wake: () => void } = { met: true, wake: () => undefined };
  // readable-stream's Transform is Node's own, published as a package; its types are Node's under another name.
  const stream = through2(
    { readableHighWaterMark: 1 },
    (bytes: Uint8Array, _encoding, done) => {
      inlet.put(bytes, done);
    },
    (done) => {
      finish = done;
      inlet.end();
    },
  ) as unknown as Transform;
  stream._read = () => {
    demand.met = false;
    demand.wake();
  };
  stream.once('close', () => {
    inlet.end();
    demand.wake();
    onClose(stream);
  });

  // Reading the stream may ask for more within the very call of push.
  const isMet = () => demand.met;

  const pump = async () => {
    for await (const piece of coding(inlet)) {
      if (stream.destroyed) return;
      demand.met = true;
      const more = stream.push(piece) || !isMet();
      if (!more) await new Promise<void>((resolve) => (demand.wake = resolve));
    }
    finish?.();
  };
  pump().catch((error: unknown) => stream.destroy(error instanceof Error ? error : new Error(String(error))));
  return stream;
}
