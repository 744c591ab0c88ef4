import { type Plan, parsePlan } from './plan.ts'
import { personalStage, stages } from './stages.ts'

/** The plan of a stage: its own, or anybody's personal one. Throws PlanError. */
export function planOf(stage: string): Plan {
  return parsePlan(stage, stages[stage] ?? personalStage)
}
