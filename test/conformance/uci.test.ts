/** The parser against what the real `uci` printed: hand-written odd files, and the first 200 generated ones. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import filesText from '../vectors/uci-files.jsonl';
import generatedText from '../vectors/uci-generated.jsonl';
import { bytesOf, generateUci } from './uci-generate.ts';
import { uciExport, uciShow, type UciOutput } from './uci-show.ts';

interface FileVector {
  name: string;
  note: string;
  input: string;
  /** uci show, uci -X show, uci export, uci -n export */
  show: UciOutput;
  showNames: UciOutput;
  export: UciOutput;
  exportNames: UciOutput;
}
interface GeneratedVector {
  seed: number;
  input: string;
  show: UciOutput;
  export: UciOutput;
}

const uci = suite('uci');
const lines = (text: string): string[] => text.trimEnd().split('\n');

for (const line of lines(filesText)) {
  const vector = JSON.parse(line) as FileVector;
  uci(`reads as uci does: ${vector.note}`, () => {
    const bytes = bytesOf(vector.input);
    assert.equal(uciShow(bytes, 'c', false), vector.show);
    assert.equal(uciShow(bytes, 'c', true), vector.showNames);
    assert.equal(uciExport(bytes, 'c', false), vector.export);
    assert.equal(uciExport(bytes, 'c', true), vector.exportNames);
  });
}

uci('reads 200 generated files as uci does', () => {
  for (const line of lines(generatedText)) {
    const vector = JSON.parse(line) as GeneratedVector;
    assert.is(generateUci(vector.seed), vector.input, 'the generator has changed: make the vectors anew');
    assert.equal(uciShow(bytesOf(vector.input), 'c', true), vector.show, vector.input);
    assert.equal(uciExport(bytesOf(vector.input), 'c', false), vector.export, vector.input);
  }
});

uci.run();
