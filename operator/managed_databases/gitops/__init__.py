"""What GitOps tools make of our conditions: kstatus' word, Argo CD's word, and the table of all reasons."""
