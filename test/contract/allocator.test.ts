import { balancedAllocator } from '../../src/allocator/balanced/balanced-allocator.ts'
import { allocatorContract } from './allocator.ts'

allocatorContract('balanced', allocateBy => balancedAllocator({ allocateBy }))
