"""Songs whose metadata have the form of MedleyDB: what MedleyDB and Mixing Secrets share."""
