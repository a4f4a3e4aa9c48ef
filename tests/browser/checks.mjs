// Counts and prints what held and what did not.

export function option(name, fallback) {
  const at = process.argv.indexOf(name);
  return at > 0 ? process.argv[at + 1] : fallback;
}

export class Checks {
  passed = 0;
  failed = 0;

  // `problems`: what is wrong, a line each; none is a pass.
  report(name, problems) {
    if (problems.length === 0) {
      this.passed++;
      console.log(`ok    ${name}`);
      return;
    }
    this.failed++;
    console.log(`FAIL  ${name}`);
    for (const problem of problems) console.log(`        ${problem}`);
  }

  async run(name, body) {
    try {
      this.report(name, (await body()) ?? []);
    } catch (error) {
      this.report(name, [String(error).split('\n').slice(0, 4).join(' | ')]);
    }
  }

  finish() {
    console.log(`${this.passed} passed, ${this.failed} failed, 0 skipped`);
    process.exitCode = this.failed > 0 ? 1 : 0;
  }
}
