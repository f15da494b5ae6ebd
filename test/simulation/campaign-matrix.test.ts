import { testPlanner } from './campaign.ts';

testPlanner('matrix');
