import { AppError } from '../app-error.ts'
import { CommandFailure, errorMessage, findErrorCode } from './failure.ts'

const HINTS: Readonly<Record<string, string>> = {
  CredentialsProviderError: 'give --local FILE, --profile NAME or AWS’s environment variables',
  ResourceNotFoundException: 'check --table and --region; npx landfall doctor shows what is there',
  AccessDeniedException: 'these credentials may not do it',
  UnrecognizedClientException: 'AWS doesn’t know these credentials',
  ExpiredTokenException: 'the credentials have expired: get new ones',
  ECONNREFUSED: 'nothing answers at this AWS endpoint: is it running?',
}

/** What went wrong with AWS beneath an error of ours, and what to do about it. */
export function awsFailure(doing: string, error: unknown): CommandFailure {
  const cause = error instanceof AppError && error.cause !== undefined ? error.cause : error
  const name = cause instanceof Error ? cause.name : ''
  const code = findErrorCode(cause) ?? ''
  const regionMissing = errorMessage(cause) === 'Region is missing'
  const hint = regionMissing ? 'give --region NAME or --local FILE' : (HINTS[name] ?? HINTS[code])
  return new CommandFailure(`${doing}: ${errorMessage(cause)}`, {
    ...(hint === undefined ? {} : { hint }),
    cause: error,
  })
}
