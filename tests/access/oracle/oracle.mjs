// Answers simulations: one JSON object a line on stdin, one a line on stdout, in the same order.
// Its first argument is the folder that holds node_modules.
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { createInterface } from 'node:readline'

const require = createRequire(join(process.argv[2], 'package.json'))
const { runSimulation } = require('@cloud-copilot/iam-simulate')

const answer = async (simulation) => {
  const response = await runSimulation(simulation, {})
  if (response.resultType !== 'single') {
    return { error: JSON.stringify(response.errors ?? response.resultType) }
  }
  const { analysis, ignoredContextKeys } = response.result
  return {
    result: response.overallResult,
    ignored: ignoredContextKeys ?? [],
    layers: {
      scp: analysis.scpAnalysis?.result ?? null,
      rcp: analysis.rcpAnalysis?.result ?? null,
      resource: analysis.resourceAnalysis?.result ?? null,
      boundary: analysis.permissionBoundaryAnalysis?.result ?? null,
      session: analysis.sessionAnalysis?.result ?? null,
      identity: analysis.identityAnalysis?.result ?? null,
    },
  }
}

for await (const line of createInterface({ input: process.stdin })) {
  let found
  try {
    found = await answer(JSON.parse(line))
  } catch (error) {
    found = { error: String(error) }
  }
  process.stdout.write(JSON.stringify(found) + '\n')
}
