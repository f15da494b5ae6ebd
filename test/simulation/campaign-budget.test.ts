import { testPlanner } from './campaign.ts';

testPlanner('budget');
