import { testPlanner } from './campaign.ts';

testPlanner('group');
